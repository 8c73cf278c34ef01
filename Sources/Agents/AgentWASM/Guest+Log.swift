import Model

extension Guest {
  /// The most bytes of one call that are used.
  static let longestOutput: UInt32 = 4096

  /// Adds lines to the agent's log. Beyond the activation's limit they are dropped, and the last line says so.
  func log(_ level: LogLevel, _ message: String) {
    // Splitting a message takes longer than reading it.
    guard lineCount <= limits.lines else { return }
    for line in message.split(separator: "\n") {
      lineCount += 1
      if lineCount > limits.lines { return }
      host?.log(level, LogText.text(String(line)))
      if lineCount == limits.lines { host?.log(.warning, "further lines of this event are dropped") }
    }
  }

  /// Adds standard output, line by line.
  func logOutput(_ bytes: [UInt8], _ level: LogLevel) {
    partialLine += bytes
    guard let end = partialLine.lastIndex(of: UInt8(ascii: "\n")) else {
      // An endless line must not fill memory.
      if partialLine.count > 4096 { flushOutput(level) }
      return
    }
    let lines = partialLine[..<end]
    partialLine = Array(partialLine[(end + 1)...].prefix(4096))
    log(level, String(decoding: lines, as: UTF8.self))
  }

  /// Logs an unfinished line.
  func flushOutput(_ level: LogLevel = .info) {
    if !partialLine.isEmpty { log(level, String(decoding: partialLine, as: UTF8.self)) }
    partialLine = []
  }
}
