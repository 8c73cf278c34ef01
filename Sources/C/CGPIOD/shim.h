// libgpiod version 2: https://libgpiod.readthedocs.io
#include <gpiod.h>
