import Linux

/// A server that is a program: one message a line on its standard input and output (modelcontextprotocol.io, "Transports":
/// stdio). It runs in the mind's own sandbox and gets nothing that the mind has not.
final class ProgramTransport: ServerTransport {
  private let words: [String]
  private var program: PipedProgram?

  /// - Parameter command: the program, by its path or by a name that PATH leads to, and its arguments.
  init(_ command: [String]) { words = command }

  var isOpen: Bool { program != nil }

  func open() throws(TransportFailure) {
    guard let path = Self.find(words[0]) else { throw .ended("cannot run: there is no program '\(words[0])'") }
    do throws(SystemError) { program = try PipedProgram.start([path] + words.dropFirst()) } catch {
      throw .ended("cannot run: \(error)")
    }
  }

  /// A program's path.
  private static func find(_ name: String) -> String? {
    if name.utf8.contains(UInt8(ascii: "/")) { return Files.isFile(name) ? name : nil }
    let folders = (Environment.current()["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    return folders.lazy.map { "\($0)/\(name)" }.first { Files.isFile($0) }
  }

  func close() { program = nil }

  func send(_ message: ClientMessage, until deadline: UInt64) throws(TransportFailure) {
    guard program != nil else { throw .ended("has ended") }
    do throws(SystemError) {
      try program?.write(message.text, until: deadline)
    } catch { throw .ended(error.isTimeout ? "does not read" : "has ended") }
  }

  func receive(until deadline: UInt64) throws(TransportFailure) -> [UInt8] {
    while true {
      let line: [UInt8]?
      do throws(SystemError) {
        line = try program?.read(until: deadline)
      } catch {
        if error.isTimeout { throw .late }
        throw .ended("sent a line that is too long, or failed: \(error)")
      }
      guard let line else { throw .ended("has ended") }
      if !line.allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: " ") }) { return line }
    }
  }
}
