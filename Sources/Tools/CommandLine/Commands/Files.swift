import ArgumentParser
import Config
import Linux
import Model

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks boards, manifests, rules and settings, without a daemon.",
    discussion: """
      Folders are searched for \(ConfigFiles.searchedNames). The files that settings name are checked too. Every \
      error is printed as file:line:column: message; the exit code is 1 if there is one.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"), completion: .file())
  var paths: [String]

  func run() throws { try CheckReport.run(paths, shared) }
}

/// The upstream name of the same command.
struct SettingsFiles: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Checks files like 'check'.", subcommands: [Validate.self])

  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks files, by default this board's settings and the files that they name.",
      discussion: """
        Without a path it checks openstarry.yaml in this folder, or else \(Validate.installed).
        """)
    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"), completion: .file())
    var paths: [String] = []

    static let installed = "/etc/openstarry/openstarry.yaml"

    func run() throws { try CheckReport.run(paths.isEmpty ? [try Self.settings()] : paths, shared) }

    /// The settings of this folder, or else of this board; nil if there are none.
    static var found: String? { ["openstarry.yaml", installed].first(where: Files.isFile) }

    static func settings() throws(Failure) -> String {
      if let found { return found }
      throw Failure(
        .notFound, "there is no openstarry.yaml in this folder and no \(installed): name the files or folders to check")
    }
  }

  /// Reads settings.
  static func read(_ file: String) throws(Failure) -> Settings {
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try Files.read(file) } catch {
      throw Failure(error.isMissing ? .notFound : .failed, "\(file) cannot be read: \(SystemError.text(error.errno))")
    }
    do throws(Diagnostics) {
      return try ConfigText.settings(bytes, file: file, environment: Environment.current()).0
    } catch {
      throw Failure(.failed, "\(file) cannot be used", details: error.all.map(\.description))
    }
  }
}

struct BoardFiles: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "board", abstract: "Checks board files like 'check'.", subcommands: [CheckBoard.self])

  struct CheckBoard: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "check", abstract: "Checks board files.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("Board files.", valueName: "file"), completion: .file())
    var files: [String]

    func run() throws { try CheckReport.run(files, shared) }
  }
}

/// Runs a check and prints its diagnostics.
enum CheckReport {
  /// - Parameter advises: whether rules that are valid, and probably not what was meant, are reported, too.
  static func run(_ paths: [String], _ shared: SharedOptions, advises: Bool = false) throws {
    let check = try ConfigCheck(paths, environment: Environment.current(), advises: advises)
    try shared.show(document(check)) { _, terminal in lines(check, colour: terminal.colour) }
    if check.errors > 0 { throw ShellStatus.failed }
  }

  /// A line for each diagnostic, and a summary.
  static func lines(_ check: ConfigCheck, colour: Bool) -> [String] {
    let sum = "\(check.files.count) file(s) checked: \(check.errors) error(s), \(check.warnings) warning(s)"
    return check.found.map { line($0, colour: colour) } + [Paint.faint(sum, colour)]
  }

  /// `file:line:column: message`.
  private static func line(_ diagnostic: Diagnostic, colour: Bool) -> String {
    let (text, isError) = (diagnostic.description.printable, diagnostic.severity == .error)
    return isError ? Paint.red(text, colour) : Paint.yellow(text, colour)
  }

  /// `{"files", "errors", "warnings", "diagnostics": [{"file", "line", "column", "severity", "message"}]}`.
  static func document(_ check: ConfigCheck) -> Value {
    [
      "files": .list(check.files.map { .string($0) }), "errors": .int(Int64(check.errors)),
      "warnings": .int(Int64(check.warnings)),
      "diagnostics": .list(
        check.found.map { diagnostic in
          [
            "file": .string(diagnostic.location.file), "line": .int(Int64(diagnostic.location.line)),
            "column": .int(Int64(diagnostic.location.column)), "severity": .string(diagnostic.severity.rawValue),
            "message": .string(diagnostic.message),
          ]
        }),
    ]
  }
}
