// The system ring's agent: every event turns the lamp on for a minute.
#include "openstarry.h"

const openstarry_result *openstarry_handle(char *text, size_t length) {
  (void)length;
  free(text);
  openstarry_area answer = {0};
  openstarry_control(OPENSTARRY_TEXT("lamp"), OPENSTARRY_TEXT("\"on\""), 60000, &answer);
  if (answer.failed) return openstarry_fail(answer.of.error.message, answer.of.error.length);
  openstarry_release(&answer);
  return openstarry_ok();
}
