import Agent
import Model

extension Journal {
  /// Logs an event if the catalogue gives it a level; most have none.
  package func log(_ event: Event) {
    guard let level = Self.levels[event.type] else { return }
    let text = EventSentence.text(event)
    log(LineFold.Line(level, event, text), text)
  }

  /// Logs a line of an agent at its level.
  package func log(_ line: LogLine) { log(line.level, "agent \(line.agent): \(line.message)") }

  /// Cached: every event is looked up here.
  private static let levels: [String: LogLevel] = Dictionary(
    uniqueKeysWithValues: EventCatalogue.all.compactMap { event in event.journal.map { (event.name, $0) } })
}
