import ArgumentParser
import Config
import Document
import Glibc
import Linux
import Model
import RuleTrial
import Rules

extension RuleCommands {
  struct ReplayEvents: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "replay",
      abstract: "Runs recorded events against today's files on a simulated board, and shows what would differ.",
      discussion: """
        FILE is what 'openstarry events record FILE' or 'openstarry events --json' wrote. Without one the events that \
        the daemon still has are used. Readings, levels of inputs, faults, commands of people and agents, emergency \
        stops, restarts and events from outside happen again at their times; agents do nothing. No device is touched, \
        and the daemon does not notice.
        """)
    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("The recorded events; '-' is standard input.", valueName: "file"), completion: .file())
    var file: String?

    @Option(
      help: ArgumentHelp("Only the events of this time, e.g. 12h.", valueName: "time"), transform: SpanArgument.read)
    var last: Duration?

    @Option(help: "The settings whose board and rules are tried; by default those that 'openstarry check' checks.")
    var config: String?

    @Option(
      help: ArgumentHelp("How far apart two deeds may be that count as the same.", valueName: "time"),
      transform: SpanArgument.read)
    var tolerance: Duration = .seconds(10)

    func run() throws {
      let (board, declarations) = try files()
      var events = try recorded()
      if let last, let end = events.map(\.time).max() {
        let milliseconds = UInt64(clamping: last.nanoseconds / 1_000_000)
        events.removeAll { $0.time + milliseconds < end }
      }
      guard let first = events.first else { throw Failure(.failed, "there is no event to replay") }
      let outcome = try Self.inScratch { home throws(Failure) in
        do throws(Diagnostics) {
          return try Replay(events, on: board).run(
            declarations, home: home, tolerance: tolerance,
            utcOffset: { LocalTime.utcOffset(at: UInt64(clamping: $0) * 1000) })
        } catch { throw Failure(.failed, "the rules cannot be used", details: error.all.map(\.description)) }
      }
      let span = Duration.milliseconds(Int64(clamping: (events.last ?? first).time - first.time))
      try shared.show(Self.fields(outcome, events: events.count)) { _, terminal in
        Self.lines(outcome, events: events.count, span, colour: terminal.colour)
      }
      if !outcome.differences.isEmpty { throw ShellStatus.failed }
    }

    // MARK: Input

    private func files() throws -> (Board, RuleDeclarations) {
      let settings = try SettingsFiles.read(try config ?? SettingsFiles.Validate.settings())
      let board: Board
      var declarations = RuleDeclarations()
      do {
        board = try ConfigText.board(try Files.read(settings.board), file: settings.board).0
        let known = KnownNames(board: board)
        var problems: [Diagnostic] = []
        for file in settings.rules {
          problems += declarations.add(try ConfigText.rules(try Files.read(file), file: file, known: known).0)
        }
        guard problems.isEmpty else { throw Diagnostics(problems) }
      } catch let error as Diagnostics {
        throw Failure(.failed, "the files cannot be used", details: error.all.map(\.description))
      } catch {
        throw Failure(.failed, "\(error)")
      }
      return (board, declarations)
    }

    private func recorded() throws -> [Event] {
      guard let file else {
        return EventList.read(try shared.connect().call("events.list", ["pattern": "*", "last": 1000]))
      }
      let bytes: [UInt8]
      do {
        bytes = try file == "-" ? Files.read("/dev/stdin", limit: 1 << 30) : Files.read(file, limit: 1 << 30)
      } catch {
        throw Failure(.notFound, "\(error)")
      }
      // 'events --json' writes one object with all events, 'events --json --follow' one on each line.
      if let whole = try? JSON.decode(bytes[...]), whole["events"] != nil { return EventList.read(whole) }
      var events: [Event] = []
      for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
        guard let value = try? JSON.decode(line), let event = try? Event(value) else {
          throw Failure(.failed, "\(file):\(number + 1): this is not an event in JSON")
        }
        events.append(event)
      }
      return events
    }

    /// Runs `work` with a folder that is removed afterwards.
    private static func inScratch<Result>(_ work: (_ folder: String) throws(Failure) -> Result) throws -> Result {
      let base = Environment.current()["TMPDIR"] ?? "/tmp"
      let folder = "\(base)/openstarry-replay-\(getpid())-\(System.monotonicNanoseconds())"
      do { try Files.makeFolder(folder, mode: 0o700) } catch { throw Failure(.failed, "\(error)") }
      defer {
        for name in (try? Files.names(in: folder)) ?? [] { Files.remove("\(folder)/\(name)") }
        Files.removeFolder(folder)
      }
      return try work(folder)
    }

    // MARK: Output

    private static func fields(_ outcome: Replay.Outcome, events: Int) -> Value {
      [
        "events": .int(Int64(events)), "same": .int(Int64(outcome.same)),
        "differences": .list(
          outcome.differences.map { difference in
            [
              "time": .int(Int64(clamping: difference.deed.time)), "subject": .string(difference.deed.subject),
              "what": .string(difference.deed.what), "recorded": .bool(difference.wasRecorded),
            ]
          }),
        "problems": .list(outcome.problems.map { .string($0) }),
      ]
    }

    private static func lines(
      _ outcome: Replay.Outcome, events: Int, _ span: Duration, colour: Bool
    ) -> [String] {
      var lines = outcome.differences.map { difference in
        let deed = difference.deed
        let time = EventLine.timeOfDay(milliseconds: deed.time, utcOffset: LocalTime.utcOffset(at: deed.time)).prefix(8)
        let text = "\(time)  \(deed.subject.printable) \(deed.what.printable)"
        return difference.wasRecorded
          ? Paint.red("- \(text)", colour) : Paint.green("+ \(text)", colour)
      }
      lines += outcome.problems.map { "! \($0.printable)" }
      let found = outcome.differences.isEmpty ? "nothing would differ" : "\(outcome.differences.count) would differ"
      return lines + ["\(events) events of \(Span.text(span)): \(outcome.same) the same, \(found)"]
    }
  }
}
