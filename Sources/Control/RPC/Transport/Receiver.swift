import Glibc
import Linux
import Wire

/// The reading side of a blocking socket: lines, and the descriptors that were sent with them.
package struct Receiver: ~Copyable {
  private var framer = LineFramer()
  private var descriptors: [Int32] = []

  /// Creates an empty receiver. The socket is passed to each read.
  package init() {}

  deinit { for descriptor in descriptors { _ = Descriptor(owning: descriptor) } }

  /// Waits for the next line.
  /// - Returns: the line without its line feed; nil at the end of the stream.
  /// - Throws: EAGAIN after the socket's receive timeout; EMSGSIZE for a line longer than `LineFramer.limit`.
  package mutating func nextLine(from socket: Int32) throws(SystemError) -> ArraySlice<UInt8>? {
    while true {
      switch framer.next() {
      case .line(let line): return line
      case .tooLong: throw SystemError("receive", errno: EMSGSIZE)
      case nil: break
      }
      if framer.isClosed { throw SystemError("receive", errno: EMSGSIZE) }
      let received = try UnixSocket.receive(socket)
      if let descriptor = received.descriptor { descriptors.append(descriptor) }
      if received.bytes.isEmpty { return nil }
      framer.append(received.bytes)
    }
  }

  /// Takes the oldest received descriptor, which becomes the caller's; nil for none.
  package mutating func takeDescriptor() -> Descriptor? {
    descriptors.isEmpty ? nil : Descriptor(owning: descriptors.removeFirst())
  }
}
