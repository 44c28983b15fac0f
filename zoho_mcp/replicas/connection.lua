-- Which memory this is: another one than before has forgotten something.
return epoch()
