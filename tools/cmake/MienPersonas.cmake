# Puts packaging/personas/*.yaml into the program (src/model/builtin_personas.h), so that it needs no file beside it.
file(GLOB persona_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/packaging/personas/*.yaml)
list(SORT persona_files)
set(MIEN_PERSONAS "")
foreach(file IN LISTS persona_files)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND MIEN_PERSONAS "    {\"${name}\", R\"yaml(${text})yaml\"},\n")
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${persona_files})
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/builtin_personas.cc @ONLY CONTENT [=[
// Made from packaging/personas by tools/cmake/MienPersonas.cmake.
#include "model/builtin_personas.h"

#include <array>

namespace mien::model {

std::span<const BuiltinPersona> builtin_personas() {
  static constexpr auto personas = std::to_array<BuiltinPersona>({
@MIEN_PERSONAS@  });
  return personas;
}

}  // namespace mien::model
]=])
target_sources(mien_model PRIVATE ${CMAKE_BINARY_DIR}/generated/builtin_personas.cc)
