#define PELLUCID_SET neon
#define PELLUCID_WIDTH 4
#define PELLUCID_NAME "neon"
#include "isa.h"
