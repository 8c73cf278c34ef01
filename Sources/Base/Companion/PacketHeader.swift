/// The begin of every message of one protocol: two letters as a mark, layout, kind, and the length of the whole.
///
/// Later layouts only append fields and add kinds; readers ignore what they do not know.
package struct PacketHeader: Sendable {
  private let mark: (UInt8, UInt8)
  private let layout: UInt8
  /// Where the length is.
  private static let lengthPlace = 4

  /// A protocol's header.
  package init(mark: (UInt8, UInt8), layout: UInt8) {
    self.mark = mark
    self.layout = layout
  }

  /// A message of this kind.
  /// - Parameter fields: adds the fields that follow.
  package func message(_ kind: UInt8, _ fields: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    writer.byte(mark.0)
    writer.byte(mark.1)
    writer.byte(layout)
    writer.byte(kind)
    writer.integer(UInt32(0))
    fields(&writer)
    return writer.finish(lengthAt: Self.lengthPlace)
  }

  /// The kind of a message, and a reader at its first field; nil for bytes that are not one whole message of at most
  /// `longest` bytes.
  package func open(_ bytes: [UInt8], longest: Int) -> (kind: UInt8, reader: ByteReader)? {
    var reader = ByteReader(bytes)
    guard reader.byte() == mark.0, reader.byte() == mark.1, let layout = reader.byte(), layout >= self.layout,
      let kind = reader.byte(), let length: UInt32 = reader.integer(), Int(length) == bytes.count,
      bytes.count <= longest
    else { return nil }
    return (kind, reader)
  }
}
