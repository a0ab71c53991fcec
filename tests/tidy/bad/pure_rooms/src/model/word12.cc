thread_local int x = 0;
