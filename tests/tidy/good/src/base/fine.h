// What this is for.
#pragma once
