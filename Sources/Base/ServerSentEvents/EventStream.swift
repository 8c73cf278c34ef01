/// An event stream (WHATWG HTML, 9.2.6 "Interpreting an event stream"), read in pieces as they come.
///
/// Unlike the standard, an event counts without the empty line after it at the end of the stream: servers forget it.
package struct EventStream {
  /// One event: its data lines, joined by line feeds.
  package struct Event: Equatable, Sendable {
    /// `error` and the like; empty for an event without a name.
    package var name: [UInt8] = []
    /// The data.
    package var data: [UInt8] = []
  }

  /// The longest event, in bytes.
  package static let longestEvent = 1 << 20

  /// An event is longer than it may be.
  package struct TooLong: Error, CustomStringConvertible {
    /// In bytes.
    package let longest: Int
    package var description: String { "the server sends an event of more than \(longest) bytes" }
  }

  private let longest: Int
  private var line: [UInt8] = []
  private var event = Event()
  private var hasData = false
  /// Whether the last byte was CR: a LF belongs to it.
  private var isAfterReturn = false
  private var isAtStart = true

  /// A stream at its begin.
  /// - Parameter longest: the longest event, in bytes.
  package init(longest: Int = EventStream.longestEvent) { self.longest = longest }

  /// Reads the next bytes.
  /// - Returns: the events that are whole.
  package mutating func read(_ bytes: [UInt8]) throws(TooLong) -> [Event] {
    var events: [Event] = []
    var rest = bytes[...]
    if isAfterReturn, let first = rest.first {
      isAfterReturn = false
      if first == 0x0A { rest.removeFirst() }
    }
    while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
      line += rest[..<end]
      let isReturn = rest[end] == 0x0D
      rest = rest[(end + 1)...]
      if isReturn {
        if rest.first == 0x0A { rest.removeFirst() } else { isAfterReturn = rest.isEmpty }
      }
      try endLine(&events)
    }
    line += rest
    try check()
    return events
  }

  /// Reads the end of the stream.
  /// - Returns: the events that the end makes whole.
  package mutating func finish() throws(TooLong) -> [Event] {
    var events: [Event] = []
    if !line.isEmpty { try endLine(&events) }
    endEvent(&events)
    return events
  }

  private func check() throws(TooLong) {
    guard line.count + event.data.count <= longest else { throw TooLong(longest: longest) }
  }

  private mutating func endLine(_ events: inout [Event]) throws(TooLong) {
    try check()
    var line = self.line[...]
    if isAtStart {
      isAtStart = false
      if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
    }
    defer { self.line.removeAll(keepingCapacity: true) }
    guard !line.isEmpty else { return endEvent(&events) }
    let colon = line.firstIndex(of: 0x3A) ?? line.endIndex
    var value = line[colon...].dropFirst()
    if value.first == 0x20 { value.removeFirst() }
    let name = line[..<colon]
    if name.elementsEqual("data".utf8) {
      if hasData { event.data.append(0x0A) }
      hasData = true
      event.data += value
    } else if name.elementsEqual("event".utf8) {
      event.name = Array(value)
    }
    // Everything else is a comment, or of no use here.
  }

  private mutating func endEvent(_ events: inout [Event]) {
    if hasData { events.append(event) }
    event = Event()
    hasData = false
  }
}
