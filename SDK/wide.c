// 128-bit arithmetic, under the names that compilers use (GCC internals, "The GCC low-level runtime library", 4.1).
// WebAssembly has no instructions for it, and Swift's Duration needs it.
#include <stdint.h>

typedef __int128 wide;
typedef unsigned __int128 uwide;

static uwide join(uint64_t high, uint64_t low) {
  union { uint64_t half[2]; uwide whole; } both = {{low, high}};
  return both.whole;
}

static uint64_t low_of(uwide value) { return (uint64_t)value; }

static uint64_t high_of(uwide value) {
  union { uwide whole; uint64_t half[2]; } both = {value};
  return both.half[1];
}

wide __multi3(wide left, wide right) {
  uint64_t a = low_of((uwide)left), b = low_of((uwide)right);
  uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32), rest = a0 * b1 + (uint32_t)middle;
  uint64_t high = a1 * b1 + (middle >> 32) + (rest >> 32);
  high += high_of((uwide)left) * b + a * high_of((uwide)right);
  return (wide)join(high, rest << 32 | (uint32_t)low);
}

wide __ashlti3(wide value, int count) {
  uint64_t low = low_of((uwide)value), high = high_of((uwide)value);
  if (count >= 64) return (wide)join(low << (count - 64), 0);
  return count ? (wide)join(high << count | low >> (64 - count), low << count) : value;
}

uwide __lshrti3(uwide value, int count) {
  uint64_t low = low_of(value), high = high_of(value);
  if (count >= 64) return join(0, high >> (count - 64));
  return count ? join(high >> count, low >> count | high << (64 - count)) : value;
}

wide __ashrti3(wide value, int count) {
  uint64_t low = low_of((uwide)value);
  int64_t high = (int64_t)high_of((uwide)value);
  if (count >= 64) return (wide)join((uint64_t)(high >> 63), (uint64_t)(high >> (count - 64)));
  return count ? (wide)join((uint64_t)(high >> count), low >> count | (uint64_t)high << (64 - count)) : value;
}

// Binary long division. Division by zero traps, as the 64-bit instructions do.
static uwide divide(uwide left, uwide right, uwide *rest) {
  if (!high_of(left) && !high_of(right)) {
    *rest = low_of(left) % low_of(right);
    return low_of(left) / low_of(right);
  }
  if (!low_of(right) && !high_of(right)) __builtin_trap();
  uwide quotient = 0, left_over = 0;
  for (int bit = 127; bit >= 0; bit--) {
    left_over = left_over << 1 | (low_of(left >> bit) & 1);
    if (left_over >= right) {
      left_over -= right;
      quotient |= (uwide)1 << bit;
    }
  }
  *rest = left_over;
  return quotient;
}

uwide __udivti3(uwide left, uwide right) {
  uwide rest;
  return divide(left, right, &rest);
}

uwide __umodti3(uwide left, uwide right) {
  uwide rest;
  divide(left, right, &rest);
  return rest;
}

wide __divti3(wide left, wide right) {
  uwide rest, quotient = divide(left < 0 ? -(uwide)left : (uwide)left, right < 0 ? -(uwide)right : (uwide)right, &rest);
  return (left < 0) != (right < 0) ? -(wide)quotient : (wide)quotient;
}

wide __modti3(wide left, wide right) {
  uwide rest;
  divide(left < 0 ? -(uwide)left : (uwide)left, right < 0 ? -(uwide)right : (uwide)right, &rest);
  return left < 0 ? -(wide)rest : (wide)rest;
}
