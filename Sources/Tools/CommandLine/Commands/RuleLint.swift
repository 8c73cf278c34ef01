import ArgumentParser

extension RuleCommands {
  struct Lint: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks files like 'check', and names rules that are valid and probably not what was meant.",
      discussion: """
        It names outputs that a threshold without hysteresis switches on and off, messages that are sent again with each \
        reading, limits of 'when' and 'until' that overlap, rules that read the output that they keep, outputs that \
        several rules keep at different levels, and variables that no rule reads. Needs no daemon. Without a path it \
        reads openstarry.yaml in this folder, or else the board's. The exit code is 1 if a file has an error.
        """)
    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"), completion: .file())
    var paths: [String] = []

    func run() throws {
      try CheckReport.run(paths.isEmpty ? [try SettingsFiles.Validate.settings()] : paths, shared, advises: true)
    }
  }
}
