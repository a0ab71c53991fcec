# Modules: what needs a large library stands beside the program as NAME.so and is loaded when it is first used. A module
# is one file over its library; the program knows it by a header of plain C functions only.
function(mien_add_module name main library)
  add_library(${name} MODULE ${main})
  target_link_libraries(${name} PRIVATE mien_flags ${library})
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_dependencies(programs ${name})
endfunction()
