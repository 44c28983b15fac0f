"""Connecting a Zoho account: consent in the browser, the organisation, the stored profile."""
