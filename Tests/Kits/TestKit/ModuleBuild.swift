import Linux

/// A run of `SDK/build`.
package struct ModuleBuild {
  /// The exit code; 69 if tools are missing.
  package let code: Int32
  /// What it wrote to standard output: the module's path and size.
  package let output: String
  /// What it wrote to standard error.
  package let errors: String

  /// Runs it to its end.
  /// - Parameters:
  ///   - words: its arguments.
  ///   - variables: `NAME=value` each, beside the environment of the tests.
  package init(_ words: [String], _ variables: [String] = []) throws {
    let folder = try TemporaryFolder()
    let (output, errors) = ("\(folder.path)/out", "\(folder.path)/err")
    let script = #"out=$1 err=$2; shift 2; exec "$@" >"$out" 2>"$err""#
    let all =
      ["bash", "-c", script, "bash", output, errors, "env"] + variables + [Repository.path("SDK/build")] + words
    code = try Spawn.wait(for: Spawn.start("/bin/bash", all))
    func text(_ path: String) -> String { String(decoding: (try? Files.read(path)) ?? [], as: UTF8.self) }
    self.output = text(output)
    self.errors = text(errors)
  }
}
