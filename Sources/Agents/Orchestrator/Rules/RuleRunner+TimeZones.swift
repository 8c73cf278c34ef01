import Linux
import Rules

extension RuleRunner {
  package func timeZoneFile(_ zone: String) -> [UInt8]? { ZoneFiles.read(zone) }
}
