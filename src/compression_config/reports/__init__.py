"""Reports: layout of what is known already. Nothing here decides, prints or exits."""
