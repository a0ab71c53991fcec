// Says what it is for, and may be included twice.
