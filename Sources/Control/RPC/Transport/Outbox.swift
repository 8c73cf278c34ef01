import Linux
import Wire

/// The queue of one connection: bytes that the other side has not taken yet, and descriptors that travel beside them.
///
/// It grows without bound: the owner looks at `waiting` before it adds more (back-pressure).
package struct Outbox {
  private final class File {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
  }

  private var bytes: [UInt8] = []
  /// How many of `bytes` were sent.
  private var sent = 0
  /// Each goes with the byte at `at`, an index into `bytes`; in order.
  private var files: [(at: Int, file: File)] = []
  /// Descriptors the client may not have taken yet.
  private var filesSent = 0

  /// An empty queue.
  package init() {}

  /// How many bytes wait.
  package var waiting: Int { bytes.count - sent }

  /// How many descriptors wait here or may still lie unread in the socket.
  package var filesUnderWay: Int { files.count + filesSent }

  /// Adds a line.
  package mutating func add(_ line: [UInt8]) {
    if bytes.isEmpty { bytes = line } else { bytes.append(contentsOf: line) }
  }

  /// Adds a line with a descriptor beside its first byte.
  package mutating func add(_ line: [UInt8], with file: consuming Descriptor) {
    files.append((bytes.count, File(file)))
    add(line)
  }

  /// Sends what the socket takes.
  /// - Throws: when the other side has gone.
  package mutating func flush(to socket: Int32) throws(SystemError) {
    noteReading(of: socket)
    while waiting > 0 {
      let count: Int
      if let next = files.first, next.at == sent {
        let end = files.count > 1 ? files[1].at : bytes.count
        count = try UnixSocket.send(socket, bytes[sent..<end], with: next.file.descriptor.number)
        if count > 0 {
          files.removeFirst()
          filesSent += 1
        }
      } else {
        count = try UnixSocket.send(socket, bytes[sent..<(files.first?.at ?? bytes.count)])
      }
      if count == 0 { break }
      sent += count
    }
    compact()
  }

  /// Forgets the sent descriptors once the client has read everything.
  package mutating func noteReading(of socket: Int32) {
    if filesSent > 0 && UnixSocket.unread(socket) == 0 { filesSent = 0 }
  }

  /// Drops everything: the other side reads no more.
  package mutating func discard() {
    bytes = []
    sent = 0
    files = []
  }

  private mutating func compact() {
    if waiting == 0 {
      bytes = []
      sent = 0
    } else if sent > 65536 {
      bytes.removeFirst(sent)
      for index in files.indices { files[index].at -= sent }
      sent = 0
    }
  }
}
