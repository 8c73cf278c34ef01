import CLinux

#if !hasFeature(Embedded)
  import Companion
#endif

/// Programs that try to exceed a limit of their sandbox, for `openstarry doctor`. They run in the place of an agent's
/// program, and write what they have reached, one `NAME NUMBER` a line.
///
///     openstarry-launcher --probe NAME AMOUNT
///
/// AMOUNT is where a probe gives up, because there is no limit.
enum Probe {
  static func main(_ words: [[UInt8]]) -> Never {
    guard words.count == 3, let amount = words[2].numbers.first else { exit(64) }
    switch words[1] {
    case [UInt8]("isolation"): isolation()
    case [UInt8]("memory"): memory(amount)
    case [UInt8]("cpu"): cpu(amount)
    case [UInt8]("processes"): processes(amount)
    case [UInt8]("descriptors"): descriptors(amount)
    case [UInt8]("file"): file(amount)
    case [UInt8]("log"): log()
    case [UInt8]("silence"): sleep()
    case [UInt8]("deaf"): deaf()
    default: exit(64)
    }
    exit(0)
  }

  // MARK: Isolation

  /// Lines of /proc/self/status, devices that exist here, and network interfaces other than the loopback.
  private static func isolation() {
    let status = SmallFiles.read([UInt8]("/proc/self/status")) ?? []
    for line in status.split(separator: 0x0A) {
      for name: StaticString in ["CapPrm:", "CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:"] where starts(line, name) {
        write([UInt8](line.filter { $0 != 0x3A }.map { $0 == 0x09 ? 0x20 : $0 }))
      }
    }
    for path: StaticString in [
      "/dev/gpiochip0", "/dev/gpiochip1", "/dev/gpiochip4", "/dev/gpiomem", "/dev/i2c-0", "/dev/i2c-1",
      "/dev/spidev0.0", "/dev/video0", "/dev/mem", "/dev/kmsg", "/dev/watchdog", "/sys/class", "/run",
    ] {
      let text = [UInt8](path) + [0]
      // SAFETY: the text ends with a zero byte.
      let isThere = unsafe text.withUnsafeBytes {
        unsafe access($0.baseAddress!.assumingMemoryBound(to: CChar.self), F_OK) == 0
      }
      if isThere { write([UInt8]("sees ") + [UInt8](path)) }
    }
    // Two lines of headings; then `  NAME: …` each (proc_pid_net(5)).
    let interfaces = SmallFiles.read([UInt8]("/proc/self/net/dev")) ?? []
    for line in interfaces.split(separator: 0x0A).dropFirst(2) {
      let name = [UInt8](line.prefix { $0 != 0x3A }.drop { $0 == 0x20 })
      if name != [UInt8]("lo") { write([UInt8]("interface ") + name) }
    }
    write([UInt8]("looked"))
  }

  private static func starts(_ line: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
    let name = [UInt8](name)
    return [UInt8](line.prefix(name.count)) == name
  }

  // MARK: Limits

  /// Touches one MiB after another.
  private static func memory(_ most: UInt64) {
    let piece = 1 << 20
    for number in 1...most {
      guard let memory = unsafe openstarry_map_memory(piece) else {
        write("refused", number - 1)
        exit(0)
      }
      // SAFETY: the mapping has this size. Each page counts once it is written to.
      for place in stride(from: 0, to: piece, by: 4096) { unsafe memory[place] = 1 }
      write("touched", number)
    }
  }

  /// Computes for that many milliseconds of elapsed time.
  private static func cpu(_ milliseconds: UInt64) {
    let start = Companion.monotonicNow()
    while Companion.monotonicNow() < start + milliseconds * 1_000_000 {}
    let elapsed = Companion.monotonicNow() - start
    var time = timespec()
    // SAFETY: the kernel fills in the structure; this clock always exists.
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    write("elapsed", elapsed / 1000)
    write("used", UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }

  /// Starts processes that wait.
  private static func processes(_ most: UInt64) {
    var count: UInt64 = 0
    while count < most {
      let child = openstarry_fork()
      if child == 0 { sleep() }
      if child < 0 { break }
      count += 1
    }
    write("started", count)
  }

  /// Opens descriptors; the limit is one more than the highest number (getrlimit(2), RLIMIT_NOFILE).
  private static func descriptors(_ most: UInt64) {
    var highest: Int32 = 0
    while highest < Int32(most) {
      let number = dup(0)
      if number < 0 { break }
      highest = number
    }
    write("opened", UInt64(highest) + 1)
  }

  /// Writes a file, in KiB.
  private static func file(_ most: UInt64) {
    openstarry_ignore_signal(SIGXFSZ)
    let file = unsafe openstarry_open("/tmp/probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { exit(71) }
    let piece = [UInt8](repeating: 0, count: 16 << 10)
    var count: UInt64 = 0
    while count < most {
      // SAFETY: the array is valid for its count.
      let written = unsafe CLinux.write(file, piece, piece.count)
      if written <= 0 { break }
      count += UInt64(written) / 1024
    }
    write("wrote", count)
  }

  /// Writes lines without end.
  private static func log() {
    let line = [UInt8](repeating: 0x2E, count: 99) + [0x0A]
    // SAFETY: the array is valid for its count.
    while unsafe CLinux.write(1, line, line.count) > 0 {}
  }

  // MARK: Ends

  /// Ignores SIGTERM, as a child and its child do.
  private static func deaf() {
    openstarry_ignore_signal(SIGTERM)
    if openstarry_fork() == 0 {
      _ = openstarry_fork()
      sleep()
    }
    write("deaf", 3)
    sleep()
  }

  private static func sleep() -> Never { while true { pause() } }

  private static func write(_ name: StaticString, _ number: UInt64) {
    write([UInt8](name) + [0x20] + [UInt8](digits: number))
  }

  private static func write(_ text: [UInt8]) {
    let line = text + [0x0A]
    // SAFETY: the array is valid for its count.
    _ = unsafe CLinux.write(1, line, line.count)
  }
}
