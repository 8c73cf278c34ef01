// libarchive: archive_read(3), archive_entry(3)
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
