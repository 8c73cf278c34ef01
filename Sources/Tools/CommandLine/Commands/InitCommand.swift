import ArgumentParser
import Linux
import Model

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Creates a folder with a new project: a board, rules and an agent to begin with.",
    discussion: """
      In the folder, 'make run' runs the project with every device simulated, 'make check' checks its files, and \
      'make deploy HOST=user@board' copies them to a board. Files that exist are never overwritten.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The folder; it is created if it does not exist.", completion: .directory)
  var folder: String

  func validate() throws {
    if folder.isEmpty { throw ValidationError("the folder's name is empty") }
  }

  func run() throws {
    let folder = Self.plain(folder)
    let template = ProjectTemplate(folder: (try? Files.resolve(folder)) ?? folder)
    try NewProject.make(template, in: folder)
    let files = template.files.map(\.name)
    try shared.show(["folder": .string(folder), "files": .list(files.map { .string($0) })]) { _, _ in
      [
        "\(folder.printable)/: \(files.joined(separator: ", "))",
        "next: \(folder == "." ? "" : "cd \(folder.printable) && ")make run",
      ]
    }
  }

  /// The path without a slash at its end.
  private static func plain(_ path: String) -> String {
    var path = path[...]
    while path.hasSuffix("/"), path.count > 1 { path = path.dropLast() }
    return String(path)
  }
}
