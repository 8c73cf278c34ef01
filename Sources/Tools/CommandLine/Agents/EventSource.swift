import AgentTrial
import Glibc
import Linux
import Model

/// The sequence of a run's events: those of the command line, followed by the lines of a file or of standard input.
final class EventSource {
  /// The greatest length of a line, in bytes: longer than any valid event.
  private static let limit = 1 << 20

  private var given: ArraySlice<TrialEvent>
  /// Keeps `number` open.
  private let file: Descriptor?
  private let number: Int32?
  private let name: String
  private var bytes: [UInt8] = []
  private var isOver = false
  private var line = 0

  /// - Parameters:
  ///   - given: the events of the command line.
  ///   - path: a file with one event on a line, or `-` for standard input; nil for none.
  init(_ given: [TrialEvent], path: String?) throws(Failure) {
    self.given = given[...]
    name = path == "-" ? "standard input" : path ?? ""
    guard let path else {
      file = nil
      number = nil
      return
    }
    do throws(SystemError) {
      let opened = try System.open(path == "-" ? "/dev/stdin" : path, O_RDONLY)
      number = opened.number
      file = consume opened
    } catch {
      throw Failure(error.isMissing ? .notFound : .failed, "\(name) cannot be read: \(SystemError.text(error.errno))")
    }
  }

  /// The next event; waits for standard input. nil at the end.
  func next() throws(Failure) -> TrialEvent? {
    if let event = given.popFirst() { return event }
    while let text = try nextLine() {
      line += 1
      do throws(Failure) {
        if let event = try EventArguments.event(line: text) { return event }
      } catch {
        throw Failure(error.status, "\(name):\(line): \(error.message)")
      }
    }
    return nil
  }

  private func nextLine() throws(Failure) -> String? {
    guard let number else { return nil }
    while true {
      if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        defer { bytes.removeSubrange(...end) }
        return String(decoding: bytes[..<end], as: UTF8.self)
      }
      if isOver {
        defer { bytes = [] }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
      }
      guard bytes.count <= Self.limit else {
        throw Failure(.usage, "\(name):\(line + 1): the line is longer than \(Self.limit) bytes")
      }
      do throws(SystemError) {
        isOver = try System.read(number, into: &bytes) == 0
      } catch {
        throw Failure(.failed, "\(name) cannot be read: \(SystemError.text(error.errno))")
      }
    }
  }
}
