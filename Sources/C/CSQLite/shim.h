// SQLite: https://sqlite.org/c3ref/intro.html
#include <sqlite3.h>

// Memory for the page cache comes page by page as it is needed, instead of 20 pages at once for each connection
// (SQLITE_CONFIG_PAGECACHE of sqlite3_config, which takes a varying number of arguments). Has to be called before the first
// connection is opened; changes nothing afterwards.
static inline void openstarry_sqlite_keep_small(void) { sqlite3_config(SQLITE_CONFIG_PAGECACHE, (void *)0, 0, 0); }
