import Document
import Model
import Testing

@testable import CommandLine

/// `openstarry schema`. What the schemas say is tested beside the readers.
struct SchemaCommandTests {
  @Test(arguments: SchemaFile.allCases)
  func itIsJSONSchema(_ file: SchemaFile) throws {
    let schema = try JSON.parse(Array(file.text.utf8), file: "schema.json").value
    #expect(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema["type"] == "object" && schema["title"]?.string?.contains(".") == true)
    #expect(schema == .map(file.schema))
  }

  @Test func theKindIsOneOfFour() throws {
    func parse(_ words: String...) throws -> SchemaFile? { try (OpenStarry.parse(words) as? SchemaCommand)?.file }
    #expect(try parse("schema", "rules") == .rules)
    #expect(throws: (any Error).self) { try parse("schema", "rule") }
    #expect(throws: (any Error).self) { try parse("schema") }
  }
}
