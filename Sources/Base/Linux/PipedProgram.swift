import CLinux
import Glibc

/// A program that is spoken to over its standard input and output, line by line. Ended and reaped at the end of this
/// value's life. Its standard error is ours.
package struct PipedProgram: ~Copyable {
  private let process: Int32
  private let input: Descriptor
  private let output: Descriptor
  private var buffer: [UInt8] = []
  /// The buffer has no line feed before this index.
  private var scanned = 0

  /// The longest line in bytes, without its line feed.
  package static let longest = 1 << 20

  /// Starts a program, which gets no other descriptor of ours.
  /// - Parameter words: the program's path, and its arguments.
  package static func start(_ words: [String]) throws(SystemError) -> PipedProgram {
    let (theirInput, ourInput) = try System.pipe(size: 65_536, isReadingBlocking: true)
    let input = Descriptor(owning: ourInput)
    let reading = Descriptor(owning: theirInput)
    let (ourOutput, theirOutput) = try System.pipe(size: 65_536)
    let output = Descriptor(owning: ourOutput)
    let writing = Descriptor(owning: theirOutput)
    try System.setNonBlocking(input.number)
    var plan = SpawnPlan(words[0], words)
    plan.input = .descriptor(reading.number)
    plan.output = .descriptor(writing.number)
    plan.defaultSignals = [SIGPIPE]
    return PipedProgram(process: try Spawn.start(plan), input: input, output: output)
  }

  private init(process: Int32, input: consuming Descriptor, output: consuming Descriptor) {
    self.process = process
    self.input = input
    self.output = output
  }

  deinit {
    kill(process, SIGKILL)
    _ = try? Spawn.wait(for: process)
  }

  /// Writes a line.
  /// - Parameters:
  ///   - line: without its line feed.
  ///   - deadline: on the monotonic clock, in nanoseconds.
  /// - Throws: ETIMEDOUT when the program does not read; EPIPE when it has closed its input.
  package func write(_ line: [UInt8], until deadline: UInt64) throws(SystemError) {
    var rest = (line + [UInt8(ascii: "\n")])[...]
    while !rest.isEmpty {
      let count = try System.write(input.number, rest)
      rest = rest.dropFirst(count)
      if count == 0 { try System.wait(input.number, Int16(POLLOUT), until: deadline) }
    }
  }

  /// Reads a line, without its line feed.
  /// - Parameter deadline: on the monotonic clock, in nanoseconds. It holds for a program that never stops talking, too.
  /// - Returns: nil when the program has closed its output.
  /// - Throws: ETIMEDOUT; EMSGSIZE for a line of more than `longest` bytes, after which the program is of no use.
  package mutating func read(until deadline: UInt64) throws(SystemError) -> [UInt8]? {
    while true {
      guard System.monotonicNanoseconds() < deadline else { throw SystemError("read", errno: ETIMEDOUT) }
      if let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(buffer[..<end])
        buffer.removeFirst(end + 1)
        scanned = 0
        return line
      }
      scanned = buffer.count
      guard buffer.count <= Self.longest else { throw SystemError("read", errno: EMSGSIZE) }
      guard let count = try System.read(output.number, into: &buffer, limit: 16_384) else {
        try System.wait(output.number, Int16(POLLIN), until: deadline)
        continue
      }
      if count == 0 { return nil }
    }
  }
}

extension System {
  /// Waits until a descriptor is ready, or broken (poll(2)).
  /// - Parameters:
  ///   - events: POLLIN or POLLOUT.
  ///   - deadline: on the monotonic clock, in nanoseconds.
  /// - Throws: ETIMEDOUT.
  package static func wait(_ descriptor: Int32, _ events: Int16, until deadline: UInt64) throws(SystemError) {
    while true {
      let now = monotonicNanoseconds()
      guard now < deadline else { throw SystemError("poll", errno: ETIMEDOUT) }
      var watched = pollfd(fd: descriptor, events: events, revents: 0)
      let milliseconds = Int32(clamping: (deadline - now) / 1_000_000 + 1)
      // SAFETY: one structure, which the kernel fills in.
      let count = unsafe poll(&watched, 1, milliseconds)
      if count > 0 { return }
      if count < 0, errno != EINTR { throw SystemError("poll") }
    }
  }

  /// Sees to it that programs that this one starts do not get a descriptor (fcntl(2) F_SETFD).
  package static func setCloseOnExec(_ descriptor: Int32) { _ = openstarry_fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
}

extension SystemError {
  /// Whether a deadline has passed (ETIMEDOUT).
  package var isTimeout: Bool { errno == ETIMEDOUT }
}
