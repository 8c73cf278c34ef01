/// The first byte of what the unpacker writes for an entry. A mode (four bytes) and a name (two bytes of length, and the bytes)
/// follow; for a file its blocks, each after four bytes of length, until an empty one. Integers are little-endian.
package enum EntryKind {
  /// A regular file.
  package static let file = UInt8(ascii: "F")
  /// A folder.
  package static let folder = UInt8(ascii: "D")
  /// A symbolic link.
  package static let symbolicLink = UInt8(ascii: "L")
  /// A hard link.
  package static let hardLink = UInt8(ascii: "H")
  /// A device, a pipe or a socket.
  package static let special = UInt8(ascii: "S")
  /// Not an entry: the archive cannot be read on; the name is the reason.
  package static let failure = UInt8(ascii: "E")
  /// Instead of a block's length: the file cannot be read on, and `failure` follows.
  package static let noMoreBlocks = UInt32.max
  /// Not an entry, and without mode and name: the archive ends.
  package static let end = UInt8(ascii: "Z")
}
