// Functions that Swift calls to compare texts by Unicode's canonical equivalence. These never compose or decompose a
// character, so texts are equal if their bytes are. The tables would add 32 KB to every module.
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
