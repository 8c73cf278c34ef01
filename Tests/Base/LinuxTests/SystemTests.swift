import Glibc
import Linux
import Testing

/// Both ends of a pipe; the writer can be closed first.
private struct Pipe: ~Copyable {
  let reader: Descriptor
  var writer: Descriptor?
  let writerNumber: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError("pipe") }
    reader = Descriptor(owning: ends[0])
    writer = Descriptor(owning: ends[1])
    writerNumber = ends[1]
  }

  mutating func closeWriter() { writer = nil }
}

@Suite struct SystemTests {
  @Test func descriptorsAreClosedAtTheEndOfTheirLife() throws {
    var number: Int32 = -1
    do {
      let file = try System.open("/dev/null", O_RDONLY)
      number = file.number
      #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
    }
    #expect(fcntl(number, F_GETFD) == -1)
    let kept = try System.open("/dev/null", O_RDONLY).release()
    #expect(fcntl(kept, F_GETFD) >= 0)
    close(kept)
  }

  @Test func errorsNameOperationAndObject() {
    var caught: SystemError?
    do throws(SystemError) { _ = try System.open("/nowhere/x", O_RDONLY) } catch { caught = error }
    #expect(caught == SystemError("open", "/nowhere/x", errno: ENOENT))
    #expect(caught?.description == "open /nowhere/x: No such file or directory")
    #expect(SystemError("fsync", errno: EIO).description == "fsync: Input/output error")
  }

  @Test func readingAndWritingWithoutBlocking() throws {
    var pipe = try Pipe()
    let reader = pipe.reader.number
    let writer = pipe.writerNumber
    try System.setNonBlocking(reader)
    try System.setNonBlocking(writer)
    var buffer: [UInt8] = [1]
    #expect(try System.read(reader, into: &buffer) == nil)
    #expect(buffer == [1])
    #expect(try System.write(writer, [2, 3, 4]) == 3)
    #expect(try System.read(reader, into: &buffer, limit: 2) == 2)
    #expect(buffer == [1, 2, 3])
    let block = [UInt8](repeating: 0, count: 65536)
    var written = 0
    while try System.write(writer, block[...]) > 0 { written += 1 }
    #expect(written >= 1)
    pipe.closeWriter()
    buffer = []
    while let count = try System.read(reader, into: &buffer), count > 0 {}
    #expect(try System.read(reader, into: &buffer) == 0)
    #expect(buffer.first == 4)
  }

  @Test func badDescriptorsThrow() {
    var buffer: [UInt8] = []
    #expect(errorNumber { () throws(SystemError) in _ = try System.read(-1, into: &buffer) } == EBADF)
    #expect(buffer == [])
    #expect(errorNumber { () throws(SystemError) in _ = try System.write(-1, [1]) } == EBADF)
    #expect(errorNumber { () throws(SystemError) in try System.writeAll(-1, [1]) } == EBADF)
    #expect(errorNumber { () throws(SystemError) in try System.setNonBlocking(-1) } == EBADF)
  }

  @Test func interruptedCallsAreRepeated() {
    var calls = 0
    let result: Int32 = System.retry {
      calls += 1
      errno = EINTR
      return calls < 3 ? -1 : 7
    }
    #expect(result == 7 && calls == 3)
    let failed: Int = System.retry {
      errno = EIO
      return -1
    }
    #expect(failed == -1)
  }

  @Test func clocksNeverGoBack() {
    let first = System.monotonicNanoseconds()
    #expect(System.monotonicNanoseconds() >= first)
    // Between 2024 and 2100, so milliseconds and not seconds or microseconds.
    #expect((1_704_067_200_000..<4_102_444_800_000).contains(System.wallMilliseconds()))
  }

  @Test func theBootHasOneID() {
    let id = System.bootID()
    #expect(id.utf8.count == 36 && id == System.bootID())
  }
}
