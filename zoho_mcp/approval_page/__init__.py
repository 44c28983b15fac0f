"""The page on which a person approves or declines a call, served on this machine or over HTTP."""
