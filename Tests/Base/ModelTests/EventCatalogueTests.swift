import Linux
import Model
import TestKit
import Testing

/// Checks that the event catalogue is consistent, and that the page about rules has its table.
@Suite struct EventCatalogueTests {
  /// Each declaration agrees with the event that its function makes.
  @Test func everyExampleMatchesItsDeclarationAndHasEveryField() {
    for declaration in EventCatalogue.all {
      let example = declaration.example
      #expect(declaration.complaint(about: example) == nil)
      for field in declaration.fields {
        let value = example.payload[field.name]
        #expect(value != nil && value != .null, "the example of \(declaration.name) lacks '\(field.name)'")
      }
    }
  }

  @Test func everyEventHasASentence() {
    for declaration in EventCatalogue.all {
      let sentence = Self.sentence(declaration)
      #expect(sentence?.isEmpty == false, "\(declaration.name)")
      #expect(sentence?.printable == sentence && sentence?.hasSuffix(".") == false, "\(declaration.name)")
      #expect(!declaration.about.isEmpty && !declaration.about.hasSuffix("."), "\(declaration.name)")
    }
  }

  @Test func eventNamesBeginWithTheirDomain() {
    #expect(Set(EventCatalogue.all.map(\.name)).count == EventCatalogue.all.count)
    for domain in EventPattern.builtInDomains {
      let events = EventCatalogue.declarations(of: domain)
      #expect(!events.isEmpty && events.allSatisfy { $0.name.hasPrefix("\(domain):") }, "\(domain)")
      for event in events where !event.isFamily {
        #expect(EventCatalogue.declaration(of: event.name)?.name == event.name)
        #expect(EventPattern.isEventName(event.name))
      }
    }
    #expect(EventCatalogue.declaration(of: "git:commit_pushed") == nil)
    #expect(EventCatalogue.declaration(of: "system:none") == nil)
    #expect(EventCatalogue.declaration(of: "sensor:") == nil)
    #expect(EventCatalogue.declaration(of: "sensor:t1")?.name == "sensor:<id>")
  }

  @Test(arguments: [
    ("sensor:t1", ["sensor:<id>"]), ("sensor:*", ["sensor:<id>"]), ("sensor:t*", ["sensor:<id>"]),
    ("timer:night", ["timer:<rule id>"]), ("camera:*o*", ["camera:motion", "camera:snapshot"]),
    ("device:back", ["device:back"]), ("device:bakc", []),
  ])
  func patternsMatchTheirDeclarations(pattern: String, names: [String]) {
    #expect(EventCatalogue.all.filter { $0.fits(EventPattern(pattern)) }.map(\.name) == names)
  }

  @Test func eventsThatDifferFromTheirDeclarationAreFound() throws {
    let declaration = try #require(EventCatalogue.declaration(of: "device:lost"))
    func complaint(_ other: DaemonEvent) -> String? { declaration.complaint(about: other) }
    #expect(complaint(DeviceEvents.lost("fan", reason: "gone")) == nil)
    #expect(complaint(DeviceEvents.recovered("fan")) == "'device:recovered' is not device:lost")
    // Optional fields may be present or missing.
    let back = try #require(EventCatalogue.declaration(of: "device:back"))
    #expect(back.complaint(about: DeviceEvents.back("fan")) == nil)
    #expect(back.complaint(about: DeviceEvents.back("fan", state: 1)) == nil)
  }

  private static func sentence(_ declaration: EventDeclaration) -> String? {
    let example = declaration.example
    return declaration.sentence(
      Event(
        id: ULID(high: 1, low: 1), type: example.type, priority: example.priority, payload: example.payload))
  }

  // MARK: The page

  /// A row of the table in `docs/orchestration-yaml.md`.
  private static func row(_ declaration: EventDeclaration) -> String {
    let fields = declaration.fields.map { field in
      let notes = [
        field.unit, field.presence == .orNull ? "or null" : nil, field.presence == .sometimes ? "optional" : nil,
      ]
      .compactMap(\.self)
      return "`\(field.name)`\(notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"): \(field.about)"
    }
    let open = declaration.isOpen ? ["any others"] : []
    let sentence = sentence(declaration).map { "<br>“\($0)”" } ?? ""
    return "| `\(declaration.name)` | \(declaration.about)\(sentence) | \((fields + open).joined(separator: "<br>")) "
      + "| \(declaration.journal.map { "\($0)" } ?? "") |"
  }

  /// With `OPENSTARRY_WRITE_DOCS=1` the table is written; otherwise it is compared.
  @Test func thePageHasTheCataloguesTable() throws {
    let name = "docs/orchestration-yaml.md"
    var lines = String(decoding: try Repository.read(name), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let head = try #require(lines.firstIndex { $0.hasPrefix("| event | when") })
    let rest = try #require(lines[head...].firstIndex { !$0.hasPrefix("|") })
    let table = EventCatalogue.all.map(Self.row)
    guard Environment.current()["OPENSTARRY_WRITE_DOCS"] == "1" else {
      #expect(
        Array(lines[(head + 2)..<rest]) == table,
        "OPENSTARRY_WRITE_DOCS=1 .ci/test EventCatalogueTests writes the table")
      return
    }
    lines.replaceSubrange((head + 2)..<rest, with: table)
    try Files.replace(Repository.path(name), with: Array(lines.joined(separator: "\n").utf8), mode: 0o644)
  }
}
