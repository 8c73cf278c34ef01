import Glibc
import Linux
import TestKit
import Testing

/// Programs get exactly what their plan says.
@Suite struct SpawnTests {
  private let place: TemporaryFolder

  init() throws { place = try TemporaryFolder() }

  /// Runs a shell command with a plan that `change` adapts.
  /// - Returns: the exit code and the output.
  private func run(_ line: String, _ change: (inout SpawnPlan) -> Void = { _ in }) throws -> (code: Int32, text: String)
  {
    let output = try System.open("\(place.path)/output", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    var plan = SpawnPlan("/bin/sh", ["sh", "-c", line], environment: ["PATH=/bin:/usr/bin", "X=1"])
    plan.output = .descriptor(output.number)
    change(&plan)
    let code = try Spawn.wait(for: Spawn.start(plan))
    return (code, String(decoding: try place.bytes("output"), as: UTF8.self))
  }

  @Test func wordsEnvironmentAndFolder() throws {
    let found = try run("echo $0 $X $HOME; pwd; exit 3") { $0.folder = "/usr" }
    #expect(found.code == 3 && found.text == "sh 1\n/usr\n")
  }

  @Test func onlyThePlansDescriptorsArePassed() throws {
    let extra = try System.open("/dev/zero", O_RDONLY)
    let other = try System.open("/dev/urandom", O_RDONLY)
    let found = try run("for f in 0 3 4; do readlink /proc/$$/fd/$f; done") {
      $0.input = .null
      $0.descriptors = [extra.number, other.number]
    }
    #expect(found.text == "/dev/null\n/dev/zero\n/dev/urandom\n")
    #expect(System.isOpen(extra.number) && System.isOpen(other.number))
  }

  /// Libraries open descriptors that are not close-on-exec.
  @Test func descriptorsOfLibrariesAreNotPassed() throws {
    let zero = try System.open("/dev/zero", O_RDONLY)
    let theirs = fcntl(zero.number, F_DUPFD, 40)
    defer { close(theirs) }
    let found = try run("ls /proc/$$/fd; [ -e /proc/$$/fd/\(theirs) ] || echo none") { $0.descriptors = [zero.number] }
    #expect(theirs >= 40 && found.text.hasSuffix("none\n"), "\(found.text)")
  }

  @Test func descriptorsMayOverlapWithTargetNumbers() throws {
    let first = try System.open("/dev/zero", O_RDONLY)
    let second = try System.open("/dev/urandom", O_RDONLY)
    // Both orders: whatever their numbers are, one order needs the copies.
    for (one, other, text) in [
      (first.number, second.number, "/dev/zero\n/dev/urandom\n"),
      (second.number, first.number, "/dev/urandom\n/dev/zero\n"),
    ] {
      let found = try run("readlink /proc/$$/fd/3; readlink /proc/$$/fd/4") { $0.descriptors = [one, other] }
      #expect(found.text == text)
    }
  }

  @Test func limitsHoldFromTheFirstInstruction() throws {
    let found = try run("ulimit -n; ulimit -c; ulimit -Hf; ulimit -v") {
      $0.limits = [.descriptors: 20, .core: 0, .fileSize: 1 << 20, .addressSpace: 256 << 20]
    }
    #expect(found.text == "20\n0\n2048\n262144\n", "\(found)")
  }

  @Test func aProgramCanGetItsOwnSession() throws {
    let own = try run("test $(cut -d' ' -f6 /proc/$$/stat) = $$") { $0.ownSession = true }
    let ours = try run("test $(cut -d' ' -f6 /proc/$$/stat) = $$")
    #expect(own.code == 0 && ours.code == 1)
  }

  @Test func signalsAreNeitherBlockedNorIgnored() throws {
    let found = try run("grep -E 'Sig(Blk|Ign)' /proc/self/status") {
      $0.defaultSignals = Array(1...31).filter { $0 != SIGKILL && $0 != SIGSTOP }
    }
    let sets = found.text.split(separator: "\n").map { $0.suffix(16) }.compactMap { UInt64($0, radix: 16) }
    // Check only the plan's signals as ignored: `make` starts programs with the C library's own 32 and 33 ignored.
    #expect(sets.count == 2 && sets.first == 0 && sets.last.map { $0 & 0x7fff_ffff } == 0, "\(found)")
  }

  @Test func failedStartsThrowTheErrno() {
    for (change, errno) in [
      ({ (plan: inout SpawnPlan) in plan.program = "/nowhere" }, ENOENT),
      ({ plan in plan.folder = "/nowhere" }, ENOENT), ({ plan in plan.descriptors = [999_999] }, EBADF),
    ] {
      var caught: SystemError?
      do { _ = try run("exit 0", change) } catch { caught = error as? SystemError }
      #expect(caught?.errno == errno)
    }
  }
}
