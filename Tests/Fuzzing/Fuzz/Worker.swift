import CFuzz
import FuzzKit
import Glibc
import Linux
import Model

/// The process that runs the inputs of one target, until one of them crashes it.
struct Worker {
  let target: any FuzzTarget
  let options: Options
  /// The descriptor of the note; stays open until the process ends.
  private let note: Int32

  /// The limit of the data segment, in bytes.
  private static let data: UInt64 = 3 << 30

  /// - Throws: the note cannot be written.
  init(_ target: any FuzzTarget, _ options: Options) throws {
    self.target = target
    self.options = options
    note = try System.open(options.note ?? "/dev/null", O_WRONLY | O_CREAT, mode: 0o600).release()
    fuzz_confine(Self.data)
  }

  /// Runs one input several times, so that leaks show.
  /// - Returns: whether the input did not fail.
  func replay(_ file: String) throws -> Bool {
    do {
      let input = try target.form.input(of: Files.read(file))
      let session = FuzzSession(target, seed: 0, inputs: [])
      for _ in 0..<12 {
        fuzz_allow(options.seconds, 6 * options.seconds)
        try session.begin(with: input)
      }
      return true
    } catch let violation as Violation {
      if options.note == nil { print("\(target.name): \(violation)") }
      return false
    }
  }

  /// Discards standard error: a crash is reported when its input is run again.
  static func hush() throws {
    let null = try System.open("/dev/null", O_WRONLY)
    dup2(null.number, 2)
  }

  /// Runs the corpus, then generated inputs.
  /// - Returns: whether no input failed.
  func run() throws -> Bool {
    let begin = System.monotonicNanoseconds()
    var inputs = try Corpus.read(target).map(\.input)
    if let keep = options.keep { inputs += try Corpus.read(target, in: keep).map(\.input) }
    fuzz_allow(options.seconds, 6 * options.seconds)
    inputs += try target.seeds()
    let session = FuzzSession(target, seed: options.seed, inputs: inputs)
    var tally = Tally()
    for input in inputs { try attempt(input, 0, &tally) { try session.begin(with: input) } }
    var number = options.first
    while number - options.first < options.runs, tally.violations.count < options.failures {
      let elapsed = Duration.nanoseconds(Int64(System.monotonicNanoseconds() - begin))
      if elapsed >= options.time { break }
      let input = session.input(number)
      try attempt(input, number, &tally) {
        if try session.run(input, number), let keep = options.keep { try Corpus.write(input, of: target, in: keep) }
      }
      number += 1
    }
    let seconds = Double(System.monotonicNanoseconds() - begin) / 1e9
    let runs = UInt64(inputs.count) + number - options.first
    print(
      "\(target.name): \(runs) inputs in \(Int(seconds)) s, \(Int(Double(runs) / max(seconds, 0.001))) a second, "
        + "\(session.reach.marks) marks, \(session.reach.inputs) kept\(fuzz_edges() > 0 ? ", edges counted" : ""); "
        + "the slowest took \(tally.slowest / 1_000_000) ms, peak \(fuzz_peak() >> 20) MiB")
    return tally.violations.isEmpty
  }

  private struct Tally {
    /// The different violations, compared without quoted text.
    var violations: Set<Seen> = []
    /// The maximum CPU time of an input, in nanoseconds.
    var slowest: UInt64 = 0
  }

  /// Runs one input. Writes it to the note before, because it may crash the process.
  private func attempt(_ input: [UInt8], _ number: UInt64, _ tally: inout Tally, _ body: () throws -> Void) throws {
    try Self.tell(note, number, input)
    fuzz_allow(options.seconds, 6 * options.seconds)
    let before = System.threadNanoseconds()
    do { try body() } catch let violation as Violation {
      defer { fflush(nil) }
      let mark = Seen(violation.description)
      guard tally.violations.insert(mark).inserted else { return }
      let small = Shrinker.shrink(input) { shorter in
        fuzz_allow(options.seconds, 6 * options.seconds)
        try? Self.tell(note, number, shorter)
        var seen = Seen()
        do { try target.run(shorter, &seen) } catch { return Seen("\(error)") == mark }
        return false
      }
      let file = try Corpus.write(small, of: target, in: options.found)
      print("\(target.name): input \(number): \(violation)\n  make fuzz TARGET=\(target.name) INPUT=\(file)")
      return
    }
    let time = System.threadNanoseconds() - before
    guard time > tally.slowest else { return }
    tally.slowest = time
    if time > 1_000_000_000 {
      let file = try Corpus.write(input, of: target, in: ".build/fuzz/slow")
      print("\(target.name): input \(number) took \(time / 1_000_000) ms: \(file)")
    }
  }

  // MARK: The note

  /// Writes the note: eight bytes of number, eight bytes of length, the input.
  private static func tell(_ file: Int32, _ number: UInt64, _ input: [UInt8]) throws {
    let head = [number, UInt64(input.count)].flatMap { value in
      (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    try System.write(file, head + input, at: 0)
  }

  /// The last input of a worker; nil when it had not begun.
  static func last(_ path: String) -> (number: UInt64, input: [UInt8])? {
    guard let bytes = try? Files.read(path), bytes.count >= 16 else { return nil }
    let numbers = [0, 8].map { start in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
    }
    return (numbers[0], Array(bytes[16...].prefix(Int(clamping: numbers[1]))))
  }
}
