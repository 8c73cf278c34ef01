// SQLite: https://sqlite.org/c3ref/intro.html
#include <sqlite3.h>

// Allocates the page cache page by page, instead of 20 pages at once for each connection (SQLITE_CONFIG_PAGECACHE).
// Call it before the first connection is opened; later it has no effect. Wrapped because sqlite3_config is variadic.
static inline void openstarry_sqlite_keep_small(void) { sqlite3_config(SQLITE_CONFIG_PAGECACHE, (void *)0, 0, 0); }
