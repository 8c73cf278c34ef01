// jansson: https://jansson.readthedocs.io
#include <jansson.h>
