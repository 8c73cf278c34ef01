// What Swift asks for when it compares texts by Unicode's canonical equivalence: no character is ever composed or
// decomposed here, so that texts are equal when their bytes are. The tables would be 32 KB of every module.
#include <stdint.h>

uint16_t _swift_stdlib_getNormData(uint32_t scalar) {
  (void)scalar;
  return 0;
}

uint32_t _swift_stdlib_getComposition(uint32_t first, uint32_t second) {
  (void)first, (void)second;
  return UINT32_MAX;
}

uint32_t _swift_stdlib_getDecompositionEntry(uint32_t scalar) {
  (void)scalar;
  return 0;
}

const uint8_t _swift_stdlib_nfd_decompositions[1];
