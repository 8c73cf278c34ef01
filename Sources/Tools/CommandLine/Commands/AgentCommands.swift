import ArgumentParser
import Document
import Linux
import Model

struct AgentCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agent", abstract: "Creates, tries, registers and enables agents.",
    subcommands: [
      New.self, Build.self, AgentRun.self, AgentList.self, Inspect.self, Add.self, Remove.self, Enable.self,
      Disable.self,
    ])

  struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Creates a folder with a new agent.",
      discussion: "In the folder, 'make' builds the agent and 'make run' tries it on a simulated board.")
    @OptionGroup var shared: SharedOptions

    @Argument(help: "The agent's id, and the folder's name: letters, digits, '.', '_' and '-'.")
    var name: String

    @Option(
      name: .customLong("lang"),
      help: ArgumentHelp(
        "The language: \(AgentTemplate.Language.allCases.map(\.rawValue).joined(separator: " or ")).",
        valueName: "language"),
      completion: .list(AgentTemplate.Language.allCases.map(\.rawValue)),
      transform: { text in
        guard let language = AgentTemplate.Language(rawValue: text.lowercased()) else {
          throw ValidationError("'\(text)' is not swift, c, python or sh; for other languages see docs/process-abi.md")
        }
        return language
      })
    var language = AgentTemplate.Language.swift

    func validate() throws {
      guard AgentID(name).isWellFormed else {
        throw ValidationError(
          "'\(name)' is not an agent id: 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit")
      }
    }

    func run() throws {
      let (folder, files) = try NewAgent.make(AgentTemplate(id: AgentID(name), language: language), in: ".")
      let build = language.isProgram ? "" : "make && "
      try shared.show(["folder": .string(folder), "files": .list(files.map { .string($0) })]) { _, _ in
        ["\(folder)/: \(files.joined(separator: ", "))", "next: cd \(folder) && \(build)make run"]
      }
    }
  }

  struct Build: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Builds an agent's WebAssembly module from its *.swift or *.c.",
      discussion: """
        The module is named by the manifest's runtime.entry. Swift requires a toolchain with Embedded Swift for wasm32; \
        C requires clang and wasm-ld. $OPENSTARRY_SDK names the SDK's folder if it is not found automatically.
        """)
    @OptionGroup var shared: SharedOptions

    @Argument(help: ArgumentHelp("The agent's folder.", valueName: "folder"), completion: .directory)
    var folder = "."

    func run() throws {
      let environment = Environment.current()
      let agent = try AgentFolder(folder, environment: environment)
      for warning in agent.warnings { Terminal.complain("\(warning.description.printable)") }
      try AgentBuild.run(agent, isQuiet: shared.json, environment: environment)
      // The build script has already printed the result for people.
      try shared.show(["module": .string(agent.module), "bytes": .int(Int64(Files.size(agent.module) ?? 0))]) { _, _ in
        []
      }
    }
  }
}
