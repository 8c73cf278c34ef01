import Glibc
import Linux
import Wire

/// The reading side of a blocking socket: lines, and the descriptors that came beside them.
public struct Receiver: ~Copyable {
  private var framer = LineFramer()
  private var descriptors: [Int32] = []

  /// A receiver that has received nothing yet.
  public init() {}

  deinit { for descriptor in descriptors { _ = Descriptor(owning: descriptor) } }

  /// The next line, waiting for it.
  /// - Returns: nil at the end of the stream.
  /// - Throws: EAGAIN when the socket's receive timeout has passed; EMSGSIZE for a line that is too long.
  public mutating func nextLine(from socket: Int32) throws(SystemError) -> ArraySlice<UInt8>? {
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

  /// The oldest descriptor that has come and was not taken yet; nil when there is none.
  public mutating func takeDescriptor() -> Descriptor? {
    descriptors.isEmpty ? nil : Descriptor(owning: descriptors.removeFirst())
  }
}
