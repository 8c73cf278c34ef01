import Model

/// One line of the doctor's page.
package struct Finding: Sendable, Hashable {
  /// What it is about.
  package var area: Area
  /// How bad it is.
  package var level: Level
  /// What was found.
  package var text: String
  /// What to do; nil where nothing has to be done.
  package var remedy: String?

  /// A finding.
  package init(_ area: Area, _ level: Level, _ text: String, remedy: String? = nil) {
    self.area = area
    self.level = level
    self.text = text
    self.remedy = remedy
  }

  /// The parts of the page, in its order.
  package enum Area: String, Sendable, CaseIterable {
    case daemon
    case sandbox
    case limits
    case agents
    case models
    case devices
    case board
    case storage
  }

  /// How bad a finding is.
  package enum Level: String, Sendable, CaseIterable {
    /// As it should be.
    case ok
    /// Good to know; works nevertheless.
    case note
    /// Does not work as it should.
    case problem
  }

  /// For programs: `{"area", "level", "text", "remedy" (or null)}`.
  package var fields: Fields {
    [
      "area": .string(area.rawValue), "level": .string(level.rawValue), "text": .string(text),
      "remedy": remedy.map { .string($0) } ?? .null,
    ]
  }
}
