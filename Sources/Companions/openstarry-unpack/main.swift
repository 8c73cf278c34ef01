// Reads an archive from standard input and writes its entries to standard output in a format that is trivial to read: see
// EntryKind. 'openstarry plugin install' starts it. Archives are untrusted, and the code that reads their many formats
// is large, so this process gives up every right but to read and to write these two descriptors, and its parent believes
// nothing of what it writes.
import CArchive
import CLinux

#if !hasFeature(Embedded)
  import Companion
  import Unpack
#endif

Unpacker.main()
