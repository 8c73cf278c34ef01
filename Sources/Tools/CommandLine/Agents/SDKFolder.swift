import Linux

/// Where the SDK is: a folder with `build`, which builds agents, and `OpenStarryAgent`, which they import.
enum SDKFolder {
  /// The variable that names the folder.
  static let variable = "OPENSTARRY_SDK"

  /// The first that has `build` of: `$OPENSTARRY_SDK`, which counts alone when it is set;
  /// `<program>/../share/openstarry/sdk`, where the package puts it; `SDK` of the checkout that the program was built in,
  /// in any folder above it.
  /// - Parameter program: the path of this program, without symbolic links.
  /// - Returns: the path of the build script.
  static func script(environment: [String: String], program: String) throws(Failure) -> String {
    if let named = environment[variable], !named.isEmpty {
      let script = "\(named)/build"
      guard Files.isFile(script) else {
        throw Failure(.notFound, "$\(variable) is '\(named)', but there is no \(script)")
      }
      return script
    }
    var folder = Files.folder(of: program)
    var places = [Files.join(Files.folder(of: folder), "share/openstarry/sdk")]
    while folder != "/" && folder != "." {
      places.append(Files.join(folder, "SDK"))
      folder = Files.folder(of: folder)
    }
    for place in places where Files.isFile("\(place)/build") { return "\(place)/build" }
    throw Failure(
      .notFound,
      "the SDK was not found in \(places[0]) or the checkout of this program: "
        + "install the package, or let $\(variable) name the folder 'SDK' of a checkout")
  }
}
