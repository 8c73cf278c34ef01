import Linux
import Testing

/// Runs the commands in README and the pages.
struct DocumentationTests {
  private static let pages: [String] = {
    let docs = (try? Files.names(in: "\(Station.repository)/docs")) ?? []
    return ["README.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
  }()

  @Test(.timeLimit(.minutes(15)), arguments: pages) func everyCommandBlockRuns(_ page: String) throws {
    let station = try Station()
    let programs = Files.folder(of: try Station.executable("openstarry"))
    let own = Environment.current()
    let run = try station.start(
      "\(Station.repository)/Tests/Daemon/Documentation/run", ["\(Station.repository)/\(page)", programs],
      ["PATH": own["PATH"] ?? "/usr/bin:/bin", "HOME": own["HOME"] ?? station.folder])
    #expect(run.wait(within: .seconds(540)) == 0, "\(run.output)\(run.errors)")
  }
}
