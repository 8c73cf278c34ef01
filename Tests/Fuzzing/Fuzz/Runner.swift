import FuzzKit
import Glibc
import Linux
import Model

/// Starts a worker for each target, and another one after an input has crashed it.
struct Runner {
  let targets: [any FuzzTarget]
  let options: Options
  /// The folder for the workers' notes of their current inputs.
  let folder: String

  /// - Returns: whether no target failed.
  func run() throws -> Bool {
    print("seed \(options.seed)")
    var isSound = true
    let begin = System.monotonicNanoseconds()
    for (index, target) in targets.enumerated() {
      if let limitation = target.limitation { print("\(target.name): \(limitation)") }
      // Divide the time that earlier targets did not use among the remaining ones.
      let left = options.time - .nanoseconds(Int64(System.monotonicNanoseconds() - begin))
      if try !run(target, for: max(.seconds(1), left / (targets.count - index))) { isSound = false }
      fflush(nil)
    }
    return isSound
  }

  private func run(_ target: any FuzzTarget, for time: Duration) throws -> Bool {
    let end = System.monotonicNanoseconds() + UInt64(time.nanoseconds)
    let note = "\(folder)/note-\(target.name)"
    var first = options.first
    var isSound = true
    for _ in 0..<options.failures {
      let now = System.monotonicNanoseconds()
      guard now < end else { break }
      Files.remove(note)
      var words = ["work", "--target", target.name, "--seed", "\(options.seed)", "--first", "\(first)"]
      words += ["--runs", "\(options.runs - (first - options.first))", "--for", "\((end - now) / 1_000_000)ms"]
      words +=
        [
          "--seconds", "\(options.seconds)", "--failures", "\(options.failures)", "--note", note, "--found",
          options.found,
        ] + (options.keep.map { ["--keep", $0] } ?? [])
      let code = try Self.start(words)
      guard code > 1 else { return isSound && code == 0 }
      isSound = false
      guard let last = Worker.last(note) else {
        print("\(target.name): \(Self.end(code)) before its first input")
        break
      }
      let small = try shrink(last.input, of: target, failing: code)
      let file = try Corpus.write(small, of: target, in: options.found)
      print(
        "\(target.name): input \(last.number): \(Self.end(code)); "
          + (try fails(small, of: target, with: code)
            ? "\(last.input.count) bytes, \(small.count) are enough" : "alone, it passes")
          + "\n  make fuzz TARGET=\(target.name) INPUT=\(file)")
      first = last.number + 1
    }
    return isSound
  }

  /// Starts this program again and waits for its end.
  static func start(_ words: [String]) throws -> Int32 {
    fflush(nil)
    return try Spawn.wait(for: Spawn.start("/proc/self/exe", ["fuzz"] + words))
  }

  /// Shrinks an input that crashes a process, while the crash has the same exit code.
  private func shrink(_ input: [UInt8], of target: any FuzzTarget, failing code: Int32) throws -> [UInt8] {
    Self.isTimeOut(code) ? input : try Shrinker.shrink(input) { try fails($0, of: target, with: code) }
  }

  /// Whether an input alone crashes a process in the same way.
  private func fails(_ input: [UInt8], of target: any FuzzTarget, with code: Int32) throws -> Bool {
    if Self.isTimeOut(code) { return true }
    let file = "\(folder)/attempt"
    try Files.replace(file, with: target.form.file(of: input))
    return try Self.start(["work", "--target", target.name, "--input", file, "--note", "/dev/null"]) == code
  }

  /// Whether an input exceeded a limit of time. It is not tried again, as each attempt would take the whole limit.
  private static func isTimeOut(_ code: Int32) -> Bool { code == 128 + SIGXCPU || code == 128 + SIGALRM }

  /// A description of a process's end.
  static func end(_ code: Int32) -> String {
    switch code {
    case 128 + SIGXCPU: "it exceeded its CPU time"
    case 128 + SIGALRM: "it exceeded its elapsed time"
    case 129...: "a trap (signal \(code - 128))"
    default: "it ended with code \(code)"
    }
  }
}
