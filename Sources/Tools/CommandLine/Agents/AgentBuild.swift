import Isolations
import Linux
import Model

/// Builds an agent's module with the SDK's build script, which prints the compiler's messages.
enum AgentBuild {
  /// Builds the module.
  /// - Parameter isQuiet: sends the script's standard output to standard error.
  /// - Throws: `Failure` without sources or SDK; `ShellStatus.failed` when the script has failed and printed the
  ///   reason.
  static func run(_ folder: AgentFolder, isQuiet: Bool, environment: [String: String]) throws {
    let manifest = folder.manifest
    guard folder.isBuilt else {
      let built = Isolations.known.filter(\.buildsEntry).map { "'\($0.kind.rawValue)'" }.joined(separator: " and ")
      throw Failure(
        .failed,
        "agent '\(manifest.id)' has the driver '\(manifest.runtime.driver.rawValue)': only \(built) agents are built here"
      )
    }
    guard !folder.sources.isEmpty else {
      throw Failure(.notFound, "\(folder.path) has no *.swift and no *.c to build '\(manifest.runtime.entry)' from")
    }
    let program = (try? Files.resolve("/proc/self/exe")) ?? "/"
    let script = try SDKFolder.script(environment: environment, program: program)
    let code: Int32
    do throws(SystemError) {
      code = try build(script, folder.path, isQuiet: isQuiet)
    } catch {
      throw Failure(.failed, "the SDK's build script cannot be run: \(error)")
    }
    if code != 0 { throw ShellStatus.failed }
  }

  private static func build(_ script: String, _ folder: String, isQuiet: Bool) throws(SystemError) -> Int32 {
    var plan = SpawnPlan(script, [script, folder])
    if isQuiet { plan.output = .descriptor(2) }
    let child = try Linux.Spawn.start(plan)
    return try Linux.Spawn.wait(for: child)
  }
}
