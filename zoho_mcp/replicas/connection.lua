-- The epoch of this Redis: another one than before has lost data.
return epoch()
