import Config
import Document
import Isolations
import Linux
import Model
import SchemaKit
import TestKit
import Testing

@testable import CommandLine

/// `openstarry init`: the files of a new project.
struct ProjectTests {
  private let home: TemporaryFolder
  private var folder: String { "\(home.path)/my-garden" }

  init() throws { home = try TemporaryFolder() }

  private func make() throws { try NewProject.make(ProjectTemplate(folder: folder), in: folder) }

  @Test func nothingIsToBeSaidAboutIt() throws {
    try make()
    let check = try ConfigCheck([folder], environment: [:])
    #expect(check.found.isEmpty, "\(check.found)")
    let names = check.files.map { $0.dropFirst(folder.count + 1) }
    #expect(
      names.sorted() == ["agents/diary/agent.json", "board.yaml", "openstarry.yaml", "rules/orchestration.yaml"])
  }

  @Test func itsFilesNameTheirSchemasAndAreValid() throws {
    try make()
    let files: [(name: String, schema: SchemaFile, reference: String)] = [
      ("board.yaml", .board, "schema/board.schema.json"),
      ("openstarry.yaml", .settings, "schema/settings.schema.json"),
      ("rules/orchestration.yaml", .rules, "../schema/rules.schema.json"),
      ("agents/diary/agent.json", .agent, "../../schema/agent.schema.json"),
    ]
    for (name, schema, reference) in files {
      let bytes = try Files.read("\(folder)/\(name)")
      let value = try DocumentText.parse(bytes, file: name).value
      if name.hasSuffix(".yaml") {
        let first = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first
        #expect(first == "# yaml-language-server: $schema=\(reference)")
      } else {
        #expect(value["$schema"]?.string == reference)
      }
      let path = Files.join(Files.folder(of: "\(folder)/\(name)"), reference)
      let text = String(decoding: try Files.read(try Files.resolve(path)), as: UTF8.self)
      #expect(text == schema.text + "\n")
      #expect(try SchemaValidator.complaints(value, .map(schema.schema)).isEmpty, "\(name)")
    }
  }

  @Test func itsProgramsCanRun() throws {
    try make()
    #expect(try FileStatus("\(folder)/agents/diary/diary.sh").mode & 0o111 == 0o111)
    #expect(try Spawn.wait(for: Spawn.start("/bin/sh", ["sh", "-n", "\(folder)/agents/diary/diary.sh"])) == 0)
    let makefile = String(decoding: try Files.read("\(folder)/Makefile"), as: UTF8.self)
    for target in ["run", "check", "schema", "deploy"] {
      #expect(makefile.contains("\n\(target):"), "\(target)")
    }
    // Make takes a tab before each command, and $$ for a $ of the shell.
    #expect(makefile.contains("\n\t@$(OPENSTARRYD) --simulate --config openstarry.yaml"))
    #expect(makefile.contains("$(OPENSTARRY) schema $$kind >schema/$$kind.schema.json"))
  }

  @Test func whatIsThereStays() throws {
    try home.write("my-garden/rules/orchestration.yaml", "mine")
    let failure = #expect(throws: Failure.self) { try make() }
    #expect(failure?.status == .failed)
    #expect(
      failure?.message
        == "\(folder)/rules/orchestration.yaml already exists, so nothing was written: choose another folder")
    #expect(try Files.names(in: folder) == ["rules"] && Files.names(in: "\(folder)/rules").count == 1)
    // Other files are no obstacle, as in a folder that is under version control.
    Files.remove("\(folder)/rules/orchestration.yaml")
    try home.write("my-garden/notes.txt", "mine")
    try make()
    #expect(try home.bytes("my-garden/notes.txt") == Array("mine".utf8))
    #expect(throws: Failure.self) { try make() }
  }

  @Test func nothingIsLeftOfWhatCannotBeMade() throws {
    try home.write("file", "")
    let inside = "\(home.path)/file/garden"
    #expect(throws: Failure.self) { try NewProject.make(ProjectTemplate(folder: inside), in: inside) }
    #expect(throws: Failure.self) {
      try NewProject.make(ProjectTemplate(folder: inside), in: "\(home.path)/file")
    }
    // `schema` cannot be a folder here, and it is the last one.
    try home.write("my-garden/schema", "")
    #expect(throws: Failure.self) { try make() }
    #expect(try Files.names(in: folder) == ["schema"])
  }

  @Test(arguments: [
    ("garden", "garden"), ("/srv/my-garden", "my-garden"), ("a/on", "on"), ("1.0", "1.0"), ("mein Garten", "garden"),
    ("/", "garden"),
  ])
  func theBoardHasTheFoldersName(_ folder: String, _ name: String) throws {
    let template = ProjectTemplate(folder: folder)
    #expect(template.name == name)
    #expect(try ConfigText.board(Array(template.board.utf8), file: "board.yaml").0.name == name)
  }

  @Test func theFolderIsGivenInAnyForm() throws {
    #expect(try (OpenStarry.parse(["init", "a/"]) as? InitCommand)?.folder == "a/")
    #expect(throws: (any Error).self) { try OpenStarry.parse(["init"]) }
    #expect(throws: (any Error).self) { try OpenStarry.parse(["init", ""]) }
  }
}
