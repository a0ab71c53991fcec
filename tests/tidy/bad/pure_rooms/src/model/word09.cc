auto* file = fopen("a", "r");
