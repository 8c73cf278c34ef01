import Linux

/// Programs in the same build folder as the tests.
package enum Beside {
  /// Finds a program.
  /// - Returns: its path; only the name, to be found through PATH, if it was not built.
  package static func path(_ name: String) -> String {
    var maps = (try? Files.read("/proc/self/maps")) ?? []
    maps.append(10)
    // The tests are either a library that the test program has loaded, or the program itself.
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") where line.hasSuffix(".xctest") {
      if let slash = line.firstIndex(of: "/") {
        let path = Files.join(Files.folder(of: String(line[slash...])), name)
        if Files.isFile(path) { return path }
      }
    }
    return name
  }
}
