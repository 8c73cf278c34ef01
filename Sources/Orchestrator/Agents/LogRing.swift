import Agent

/// An agent's newest log lines.
struct LogRing {
  private var lines: [LogLine] = []
  private var oldest = 0
  private let capacity: Int

  init(capacity: Int) { self.capacity = max(1, capacity) }

  mutating func append(_ line: LogLine) {
    if lines.count < capacity {
      lines.append(line)
    } else {
      lines[oldest] = line
      oldest = (oldest + 1) % capacity
    }
  }

  /// The newest `count` lines, oldest first.
  func last(_ count: Int) -> [LogLine] {
    Array((lines[oldest...] + lines[..<oldest]).suffix(max(0, count)))
  }
}
