"""The same decisions as one would write them from PyFlink's documentation: the baseline `make bench` compares with."""
